export { Composer, type ComposerProps, type Message, type TaskLog } from './Composer';
