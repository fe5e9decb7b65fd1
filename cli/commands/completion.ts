/** `ckpt completion`: the script by which a shell completes command lines. */
import { Argument, type Command } from 'commander'
import type { ShellName } from '../completion/scripts.ts'
import { type SharedOptions, sharedOptions } from '../options.ts'
import type { Shell } from '../shell.ts'

const MORE = `
Examples:
  echo 'source <(ckpt completion bash)' >> ~/.bashrc
  echo 'source <(ckpt completion zsh)' >> ~/.zshrc`

/** Adds the command. */
export function addCompletion(program: Command, shell: Shell): void {
  const command = program
    .command('completion')
    .summary('print the script by which bash or zsh completes ckpt')
    .description('Prints the script by which bash or zsh completes ckpt.')
    .addArgument(new Argument('<shell>', 'which shell').choices(['bash', 'zsh']))
    .addHelpText('after', MORE)
    .action(async (name: ShellName) => {
      const options: SharedOptions = sharedOptions(command)
      const { completedCommands, optionsOf } = await import('../completion/completed.ts')
      const { completionScript } = await import('../completion/scripts.ts')
      const script = completionScript(name, completedCommands(program), optionsOf(program))
      shell.terminal(options).answer({ shell: name, script }, () => script)
    })
}
