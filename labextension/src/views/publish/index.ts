export { PublishPanel, type PublishCallbacks, type Stage } from './PublishPanel';
