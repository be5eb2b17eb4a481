export { PublishPanel, type FormStage, type PublishCallbacks, type Stage } from './PublishPanel';
