import { Component, type ReactNode } from 'react';
import { FailureBox } from './feedback';
import { TransContext } from './trans';

/** Shows what went wrong where drawing its children failed, instead of nothing at all. */
export class Boundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  static override contextType = TransContext;
  declare context: React.ContextType<typeof TransContext>;
  override state = { error: null as Error | null };

  static getDerivedStateFromError(error: Error): { error: Error } {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) {
      return this.props.children;
    }
    const failure = {
      kind: 'Drawing',
      message: this.context.__('This could not be drawn.'),
      hint: this.context.__('Try again. If it comes back, report it with the text below.'),
      faults: [],
      log: String(error)
    };
    return (
      <section className="lq-root lq-publish">
        <div className="lq-scroll">
          <FailureBox failure={failure} onRetry={() => this.setState({ error: null })} />
        </div>
      </section>
    );
  }
}
