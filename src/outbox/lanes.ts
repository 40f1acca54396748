// SPDX-License-Identifier: Apache-2.0
/** The lanes of the outbox, the most urgent first. Each keeps its order; they do not wait for each other. */
export const lanes = ['ack', 'alarm', 'event', 'attribute', 'thing', 'location', 'telemetry'] as const
/** `ack` carries `mailbox.ack` and `mailbox.update` in the order in which they were put. */
export type Lane = (typeof lanes)[number]

const classes: Readonly<Record<Lane, number>> = {
  ack: 0,
  alarm: 1,
  event: 2,
  attribute: 2,
  thing: 2,
  location: 3,
  telemetry: 3,
}

/** The class of a lane: 0 is the most important; of the highest number the oldest is dropped first when the outbox is full. */
export function classOf(lane: Lane): number {
  return classes[lane]
}

/** A value for each lane. */
export function perLane<T>(make: (lane: Lane) => T): Record<Lane, T> {
  return {
    ack: make('ack'),
    alarm: make('alarm'),
    event: make('event'),
    attribute: make('attribute'),
    thing: make('thing'),
    location: make('location'),
    telemetry: make('telemetry'),
  }
}
