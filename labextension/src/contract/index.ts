/**
 * The documents of the REST interface and of the panel's traits, as `model.encode` writes them.
 *
 * `openapi.ts` is generated from the interface's description by `npm run contract`; here its records get
 * their names. Times are ISO 8601 with an offset, sizes bytes, CPU millicores.
 */
import type { components } from './openapi';

type Schemas = components['schemas'];

export type Json = Schemas['Json'];
export type Values = { [name: string]: Json };

export type Resources = Schemas['Resources'];
export type Input = Schemas['Input'];
export type InputType = Schemas['InputType'];
export type Output = Schemas['Output'];

export type Block = Schemas['Block'];
export type BlockDiff = Schemas['BlockDiff'];
export type BlockKind = Schemas['BlockKind'];
export type BlockSpec = Schemas['BlockSpec'];
export type BlockUse = Schemas['BlockUse'];
export type Change = Schemas['Change'];
export type Drift = Schemas['Drift'];
export type ImageRequest = Schemas['ImageRequest'];
export type PinnedPackage = Schemas['PinnedPackage'];
export type Provenance = Schemas['Provenance'];
export type Verdict = Schemas['Verdict'];

export type DataNeed = Schemas['DataNeed'];
export type FileFact = Schemas['FileFact'];
export type Finding = Schemas['Finding'];
export type Inspection = Schemas['Inspection'];
export type Package = Schemas['Package'];
export type Place = Schemas['Place'];
export type SecretFact = Schemas['SecretFact'];
export type Severity = Schemas['Severity'];

export type SystemNeed = Schemas['SystemNeed'];
export type Verification = Schemas['Verification'];
export type Witness = Schemas['Witness'];

export type ProgressEvent = Schemas['ProgressEvent'];
export type Publish = Schemas['Publish'];
export type PublishRequest = Schemas['PublishRequest'];
export type PublishResult = Schemas['PublishResult'];
export type PublishState = Schemas['PublishState'];
export type Step = Schemas['Step'];

export type Check = Schemas['Check'];
export type Misfire = Schemas['Misfire'];
export type Project = Schemas['Project'];
export type ProjectUse = Schemas['ProjectUse'];
export type Schedule = Schemas['Schedule'];
export type Task = Schemas['Task'];
export type Workflow = Schemas['Workflow'];
export type WorkflowRow = Schemas['WorkflowEntry'];

export type LogPart = Schemas['LogPart'];
export type Run = Schemas['Run'];
export type RunRequest = Schemas['RunRequest'];
export type RunState = Schemas['RunState'];
export type TaskRun = Schemas['TaskRun'];
export type TaskState = Schemas['TaskState'];

export type ErrorBody = Schemas['ErrorBody'];
export type Status = Schemas['Status'];

/** Event of the schema `EVENTS_SCHEMA`: a hint to fetch again, never data. */
export interface Hint {
  kind: 'publish' | 'run' | 'blocks' | 'workflows';
  id: string;
  state: string;
}
