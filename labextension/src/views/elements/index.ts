export { Boundary } from './Boundary';
export { Button, IconButton } from './Button';
export { useNow } from './clock';
export { Empty, FailureBox, Loaded, ProgressBar, Skeleton } from './feedback';
export { AmountFields, Field, InputLabel, ResourcesField, TextField, ValueControl } from './fields';
export { Icon, Mark, StateMark, StepMark, type IconName } from './icons';
export { LogView } from './LogView';
export { english, TransContext, useTrans, type Trans } from './trans';
export { panelOf, Tabs } from './Tabs';
