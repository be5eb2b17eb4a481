export { BaseBadge, DeprecatedBadge, KindIcon, VerdictBadge } from './Badges';
export { BlockPage, type BlockPageProps } from './BlockPage';
export { CellsDiff } from './CellsDiff';
export { ChangeTable } from './ChangeTable';
export { Fact, InputLine, OutputLine } from './facts';
export { ImageFormView, type ImageFormProps } from './ImageFormView';
export type { RenderMarkdown } from './Readme';
export { RunForm } from './RunForm';
