export { Badge } from './Badge';
export { DriftDetails } from './DriftDetails';
