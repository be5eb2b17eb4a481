import { ReactWidget } from '@jupyterlab/apputils';
import type { Message } from '@lumino/messaging';
import { useSyncExternalStore, type ReactElement } from 'react';
import { Boundary, TransContext, type Trans } from '../views/elements';

/** Anything that has a value and says when it changes. */
export interface Watchable<T> {
  get: () => T;
  subscribe: (changed: () => void) => () => void;
}

export function useWatched<T>(source: Watchable<T>): T {
  return useSyncExternalStore(source.subscribe, source.get);
}

/** Hosts a view in a Lumino panel, and tells it whether the panel can be seen. */
export class ViewWidget extends ReactWidget {
  constructor(
    private readonly trans: Trans,
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
      <TransContext.Provider value={this.trans}>
        <Boundary>{this.view(this.isVisible)}</Boundary>
      </TransContext.Provider>
    );
  }
}
