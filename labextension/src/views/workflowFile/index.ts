export { FaultyFile } from './FaultyFile';
