/** Completion scripts, made of the tree of commands. */
import type { CompletedCommand, CompletedOption } from './completed.ts'

export type ShellName = 'bash' | 'zsh'

/**
 * The script that a shell reads to complete `ckpt`.
 *
 * @param global options that may stand before the command
 */
export function completionScript(
  shell: ShellName,
  commands: readonly CompletedCommand[],
  global: readonly CompletedOption[],
): string {
  return shell === 'bash' ? bashScript(commands, global) : zshScript(commands, global)
}

function bashScript(
  commands: readonly CompletedCommand[],
  global: readonly CompletedOption[],
): string {
  const all = [...global, ...commands.flatMap(({ options }) => options)]
  const valued = all.filter(({ takesValue }) => takesValue).flatMap(({ flags }) => flags)
  const choices = all.filter((option) => option.choices.length > 0)
  return `# bash completion of ckpt: source <(ckpt completion bash)
_ckpt() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" command='' word skip=''
  COMPREPLY=()
  case "$previous" in
${[...new Set(choices.map(choiceLine))].join('\n')}
    ${[...new Set(valued)].join('|')}) return ;;
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [ -n "$skip" ]; then skip=''; continue; fi
    case "$word" in
      ${[...new Set(valuedFlags(global))].join('|')}) skip=1 ;;
      -*) ;;
      *) command="$word"; break ;;
    esac
  done
  case "$command" in
    '') COMPREPLY=($(compgen -W '${[...commands.map(({ name }) => name), ...flagsOf(global)].join(' ')}' -- "$cur")) ;;
${commands.map(commandLine).join('\n')}
  esac
}
complete -o default -F _ckpt ckpt`
}

function choiceLine({ flags, choices }: CompletedOption): string {
  return `    ${flags.join('|')}) COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$cur")); return ;;`
}

/** Only options: runs and files are named by people, and files by the shell's own completion. */
function commandLine({ name, options }: CompletedCommand): string {
  const words = flagsOf(options).join(' ')
  return `    ${name}) [ "\${cur:0:1}" = - ] && COMPREPLY=($(compgen -W '${words}' -- "$cur")) ;;`
}

function flagsOf(options: readonly CompletedOption[]): string[] {
  return [...new Set(options.flatMap(({ flags }) => flags))]
}

function valuedFlags(options: readonly CompletedOption[]): string[] {
  return flagsOf(options.filter(({ takesValue }) => takesValue))
}

function zshScript(
  commands: readonly CompletedCommand[],
  global: readonly CompletedOption[],
): string {
  const described = commands.map(
    ({ name, summary }) => `    ${quotedWord(`${name}:${summary.replaceAll(':', '\\:')}`)}`,
  )
  return `#compdef ckpt
# zsh completion of ckpt: source <(ckpt completion zsh)
_ckpt() {
  local line state
  local -a commands=(
${described.join('\n')}
  )
  _arguments -C \\
${global.map((option) => `    ${argumentOf(option)} \\`).join('\n')}
    '1: :->command' '*:: :->arguments'
  case "$state" in
    command) _describe command commands ;;
    arguments)
      case "$line[1]" in
${commands.map(zshCommand).join('\n')}
      esac ;;
  esac
}
compdef _ckpt ckpt`
}

function zshCommand({ name, options }: CompletedCommand): string {
  const each = options.map((option) => ` ${argumentOf(option)}`).join('')
  return `        ${name}) _arguments${each} '*:file:_files' ;;`
}

function argumentOf({ flags, description, takesValue, choices }: CompletedOption): string {
  const text = description.replaceAll(/[[\]:\\]/g, '\\$&')
  const values = choices.length > 0 ? `(${choices.join(' ')})` : ''
  const value = takesValue ? `: :${values}` : ''
  const [first = '', second] = flags
  const told = quotedWord(`[${text}]${value}`)
  return second === undefined ? `${first}${told}` : `{${first},${second}}${told}`
}

function quotedWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
