import { ReactWidget } from '@jupyterlab/apputils';
import type { Message } from '@lumino/messaging';
import { useSyncExternalStore, type ReactElement } from 'react';
import { Boundary, Connected, TransContext } from '../views/elements';
import type { Connection } from './connection';
import type { ILentiq } from './link';
import type { Watchable } from './watchable';

export function useWatched<T>(source: Watchable<T>): T {
  return useSyncExternalStore(source.subscribe, source.get);
}

/** Hosts a view in a Lumino panel, and tells it whether the panel can be seen. */
export class ViewWidget extends ReactWidget {
  constructor(
    private readonly lentiq: Pick<ILentiq, 'trans' | 'connection'>,
    private readonly view: (visible: boolean) => ReactElement,
    private readonly seen: (visible: boolean) => void = () => undefined
  ) {
    super();
    this.addClass('lq-host');
  }

  protected override onAfterShow(msg: Message): void {
    super.onAfterShow(msg);
    this.seen(true);
    this.update();
  }

  protected override onAfterHide(msg: Message): void {
    super.onAfterHide(msg);
    this.seen(false);
    this.update();
  }

  protected override onAfterAttach(msg: Message): void {
    super.onAfterAttach(msg);
    this.seen(this.isVisible);
  }

  protected override onBeforeDetach(msg: Message): void {
    this.seen(false);
    super.onBeforeDetach(msg);
  }

  protected render(): ReactElement {
    return (
      <TransContext.Provider value={this.lentiq.trans}>
        <Boundary>
          <Watched connection={this.lentiq.connection}>{this.view(this.isVisible)}</Watched>
        </Boundary>
      </TransContext.Provider>
    );
  }
}

function Watched({ connection, children }: { connection: Connection; children: ReactElement }) {
  return (
    <Connected lost={useWatched(connection)} onRetry={() => void connection.retry()}>
      {children}
    </Connected>
  );
}
