// SPDX-License-Identifier: Apache-2.0
/**
 * The library of device-cloud: telemetry, attributes, alarms, events, location, actions and files for one application of a
 * device. Start with {@link Client}.
 *
 * @module device-cloud
 */
export { AgentError, type AgentErrorOptions, type ErrorCode, type ErrorKind, errorKinds } from './base/errors.ts'
export type { Json, JsonObject } from './base/json.ts'
export type { LogFields, Logger, LogLevel } from './base/log.ts'
export type { ClientActions } from './client/actions.ts'
export {
  type ActionContext,
  type ActionHandler,
  Client,
  type ClientEvents,
  type ClientStatus,
} from './client/client.ts'
export type { ClientFacts, CloudStatus } from './client/cloud.ts'
export type { ClientFiles } from './client/files.ts'
export type { ConnectOptions, DisconnectOptions } from './client/link-options.ts'
export type { ClientOptions } from './client/options.ts'
export type { ClientSettings } from './config/given-settings.ts'
export type { ProxySettings, Settings, Transport } from './config/settings.ts'
export type { LinkStatus } from './connection/link-events.ts'
export type { Receipt } from './outbox/outbox.ts'
export type { DeliveryOptions } from './outbox/receipt.ts'
export type { SetAsideStats } from './outbox/set-aside.ts'
export type { DrainProgress, LaneStats, OutboxStats } from './outbox/stats.ts'
export type { HandOverOptions } from './protocol/action-reply.ts'
export type { CurrentOptions, RequestOptions } from './protocol/ask.ts'
export type { RequesterCounters } from './protocol/requester-counters.ts'
export type { TimestampInput } from './protocol/sample-fields.ts'
export { Status } from './protocol/status.ts'
export type { CommandOptions } from './services/actions/command.ts'
export type { ActionResult, ActionReturn } from './services/actions/outcome.ts'
export type { ParameterRule, ParameterRules, ParameterType } from './services/actions/parameters.ts'
export type { ActionOptions, ActionRequest } from './services/actions/registry.ts'
export type { AlarmOptions, AlarmsService } from './services/alarms.ts'
export type { AttributeOptions, AttributesService, CurrentAttribute } from './services/attributes.ts'
export type { DiagnosticsService } from './services/diagnostics.ts'
export type { EventOptions, EventsService } from './services/events.ts'
export type {
  DownloadOptions,
  DownloadResult,
  FileMarks,
  TransferProgress,
  UploadedFile,
  UploadOptions,
  UploadResult,
  Verified,
} from './services/files/types.ts'
export type { LocationService, Position } from './services/location.ts'
export type { LeftMail } from './services/mailbox/left-mail.ts'
export type { MailboxCounters } from './services/mailbox/mailbox.ts'
export type { CurrentTelemetry, TelemetryOptions, TelemetryService } from './services/telemetry.ts'
export type { ThingField, ThingService, ThingUpdate } from './services/thing.ts'
