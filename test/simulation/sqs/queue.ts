/**
 * A queue of SQS in memory, as Lambda takes from it: what was taken is hidden for a while, comes again where it
 * was not deleted by then, and goes to the dead-letter queue after so many times. No order is kept.
 */
import type { Chance } from '../../oracle/chance.ts'

export interface Message {
  readonly messageId: string
  readonly body: string
  /** From when on it can be taken, in milliseconds since 1970. */
  visibleMs: number
  received: number
}

export interface QueueSetting {
  readonly name: string
  readonly visibilityMs: number
  /** How often a message is handed out at most. */
  readonly maxReceive: number
}

export class Queue {
  readonly deadLetters: Message[] = []
  readonly setting: QueueSetting
  readonly #messages = new Map<string, Message>()
  readonly #now: () => number
  #sent = 0

  constructor(setting: QueueSetting, now: () => number) {
    this.setting = setting
    this.#now = now
  }

  get messages(): Message[] {
    return [...this.#messages.values()]
  }

  send(body: string, delayMs = 0): Message {
    this.#sent += 1
    const messageId = `${this.setting.name}-${this.#sent}`
    const message = { messageId, body, visibleMs: this.#now() + delayMs, received: 0 }
    this.#messages.set(messageId, message)
    return message
  }

  /** Takes some of the messages that can be taken, in no order. */
  receive(most: number, chance: Chance): Message[] {
    const now = this.#now()
    const visible = this.messages.filter(({ visibleMs }) => visibleMs <= now)
    const taken: Message[] = []
    for (const message of chance.shuffled(visible)) {
      if (taken.length >= most) break
      if (message.received >= this.setting.maxReceive) {
        this.#messages.delete(message.messageId)
        this.deadLetters.push(message)
        continue
      }
      message.received += 1
      message.visibleMs = now + this.setting.visibilityMs
      taken.push(message)
    }
    return taken
  }

  delete({ messageId }: Message): void {
    this.#messages.delete(messageId)
  }

  /** As an operator does once the cause is gone. */
  redrive(): Message[] {
    return this.deadLetters.splice(0).map(({ body }) => this.send(body))
  }
}
