import '@xyflow/react/dist/base.css';
import './base.css';
import './blocks.css';
import './run.css';
import './composer.css';
import './host.css';
