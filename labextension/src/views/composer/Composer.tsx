import { useEffect, useState, type KeyboardEvent, type ReactNode } from 'react';
import type { Block, Check, ProjectUse, Run, Task, Workflow } from '../../contract';
import { copyText } from '../../state/clipboard';
import { ownFault, type Edit } from '../../state/composer';
import { findFaults, type FoundFault } from '../../state/faults';
import { canWait, linkId, linksOf } from '../../state/links';
import { NOTHING, onlyTask, present, type Selection } from '../../state/selection';
import { upgradesOf } from '../../state/upgrade';
import { useTrans } from '../elements';
import { focusField } from './focusField';
import { ComposerHeader } from './ComposerHeader';
import { clipboardOf } from './clipboard';
import { ConflictBar } from './ConflictBar';
import { Graph } from './LazyGraph';
import { Inspector } from './Inspector';
import { Notices } from './Notices';
import { Palette } from './Palette';
import { RunStrip } from './RunStrip';
import { TextView } from './TextView';
import { Toolbar } from './Toolbar';
import { SideChoice, type Side } from './SideChoice';
import { useEditing } from './useEditing';
import { usePlaces } from './usePlaces';

export interface Message {
  severity: 'info' | 'error';
  text: string;
  /** Somebody else saved it in between: the user decides whose counts. */
  conflict?: boolean;
}

/** The log that is shown of one task of the run. */
export interface TaskLog {
  task: string;
  text: string;
  cut: boolean;
}

export interface ComposerProps {
  /** Newest versions first, of each block. */
  blocks: Block[];
  projects: ProjectUse[];
  workflow: Workflow;
  check: Check;
  run: Run | null;
  busy: boolean;
  message: Message | null;
  log: TaskLog | null;
  /** Stands before the button that saves: what the host can do besides. */
  tools?: ReactNode;
  /** Whether the workflow is a file of its own; what is saved to the service is applied then. */
  isFile?: boolean;
  /** Whether the panel can be seen: the graph measures itself, so it must not be drawn before. */
  visible: boolean;
  onChange: (workflow: Workflow) => void;
  onSave: () => void;
  /** Take what is saved, or save over it. */
  onReload: () => void;
  onOverwrite: () => void;
  onStart: () => void;
  onCancel: () => void;
  onRefresh: () => void;
  /** The workflow as a YAML file. */
  onText: (workflow: Workflow) => Promise<string>;
  /** What a YAML file describes; rejects with every fault. */
  onRead: (text: string, project: string) => Promise<Workflow>;
  /** Which task's log to fetch from now on; null for none. */
  onLog: (task: string | null) => void;
  /** Holds the schedule of the saved workflow, or lets it go on; left out where that cannot be done. */
  onPause?: (paused: boolean) => void;
  /** Asks for a run for each start from `first` to `last`, or with `preview` only which these are. */
  onBackfill?: (first: string, last: string, preview: boolean) => Promise<string[]>;
}

/** Blocks become tasks of a workflow: what each takes, what it waits for, when it all starts. */
export function Composer(props: ComposerProps) {
  const { blocks, workflow, check, run, onChange } = props;
  const { tasks } = workflow;
  const trans = useTrans();
  const [asText, setAsText] = useState(false);
  const [said, setSaid] = useState('');
  const [chosen, setChosen] = useState<Selection>(NOTHING);
  const [linkingFrom, setLinkingFrom] = useState<string | null>(null);
  const [side, setSide] = useState<Side>('blocks');
  const [box, setBox] = useState<HTMLElement | null>(null);
  const [jump, setJump] = useState<FoundFault | null>(null);
  const [places, setPlaces] = usePlaces(workflow);
  const { edit: change, replace, keep, onUndo, onRedo } = useEditing(workflow, onChange);
  const links = linksOf(tasks);
  const selection = present(chosen, new Set(tasks.map(task => task.name)), new Set(links.map(linkId)));
  const only = selection.tasks.length === 1 ? (selection.tasks[0] ?? null) : null;

  const select = (next: (before: Selection) => Selection) => {
    setChosen(next);
    setSide('details');
    setSaid('');
    if (props.log) {
      const { tasks: named } = next(selection);
      if (named.length !== 1 || named[0] !== props.log.task) {
        props.onLog(null);
      }
    }
  };
  const reload = () => {
    keep();
    props.onReload();
  };
  const choose = (task: string | null) => select(() => onlyTask(task));
  /** What had the focus may be gone, and keys must still reach the graph. */
  const keepFocus = () =>
    void requestAnimationFrame(() => {
      if (document.activeElement?.matches('body, :disabled')) {
        box?.querySelector<HTMLElement>('.lq-canvas')?.focus({ preventScroll: true });
      }
    });
  const edit = (made: Edit) => {
    const next = change(made);
    keepFocus();
    if (next === workflow) {
      return next;
    }
    if (made.type === 'add-task' || made.type === 'copies') {
      const before = new Set(tasks.map(task => task.name));
      const added = next.tasks.map(task => task.name).filter(name => !before.has(name));
      setChosen({ tasks: added, links: [] });
      setSaid(made.type === 'copies' ? trans._n('Added %1 task.', 'Added %1 tasks.', added.length) : trans.__('Added task %1.', added[0]));
    }
    if (made.type === 'rename-task') {
      setChosen(before => ({ ...before, tasks: before.tasks.map(one => (one === made.task ? made.name : one)) }));
      if (places?.[made.task]) {
        setPlaces({ ...places, [made.name]: places[made.task] ?? { x: 0, y: 0 } });
      }
    }
    return next;
  };
  const remove = () => {
    // What has the focus goes: keys pressed right after must reach the graph already.
    const canvas = box?.querySelector<HTMLElement>('.lq-canvas');
    if (canvas?.contains(document.activeElement)) {
      canvas.focus({ preventScroll: true });
    }
    const gone = links.filter(link => selection.links.includes(linkId(link)));
    edit({ type: 'remove', tasks: selection.tasks, links: gone });
    setSaid(
      selection.tasks.length > 0
        ? trans._n('Removed %1 task.', 'Removed %1 tasks.', selection.tasks.length)
        : trans._n('Removed %1 link.', 'Removed %1 links.', gone.length)
    );
  };
  const copies = (of: Task[]) => void edit({ type: 'copies', of });
  const duplicate = () => copies(tasks.filter(task => selection.tasks.includes(task.name)));
  const copied = trans._n('Copied %1 task.', 'Copied %1 tasks.', selection.tasks.length);
  const clipboard = clipboardOf({
    text: () => (selection.tasks.length > 0 && !asText ? copyText(workflow, selection.tasks) : null),
    onCopied: () => setSaid(copied),
    onCut: remove,
    onPasted: pasted => (asText ? undefined : pasted ? copies(pasted) : setSaid(trans.__('There are no tasks on the clipboard.')))
  });
  const link = (from: string, to: string) => {
    setLinkingFrom(null);
    if (from === to || !canWait(tasks, to, from)) {
      setSaid(from === to ? trans.__('A task cannot wait for itself.') : trans.__('%1 cannot wait for %2: that would be a circle.', to, from));
      return;
    }
    edit({ type: 'after', task: to, on: from, waits: true });
    setSaid(trans.__('%1 waits for %2.', to, from));
  };
  const beginLink = (from: string | null) => {
    setLinkingFrom(from);
    setSaid(from === null ? trans.__('Not linked.') : trans.__('Choose the task that waits for %1, by a click or by arrow keys and Enter. Escape stops.', from));
  };
  const step = (go: (() => void) | null, words: string) =>
    go &&
    (() => {
      go();
      setSaid(words);
      keepFocus();
    });
  const [undo, redo] = [step(onUndo, trans.__('Undone.')), step(onRedo, trans.__('Done again.'))];
  const selectAll = () => {
    select(() => ({ tasks: tasks.map(task => task.name), links: [] }));
    setSaid(trans._n('%1 task chosen.', '%1 tasks chosen.', tasks.length));
  };

  /** What a key does; null for nothing. */
  const doing = (event: KeyboardEvent): (() => void) | null => {
    const { target } = event;
    const key = event.key.toLowerCase();
    // A field that is typed in undoes by itself.
    if (asText || !(target instanceof Element) || target.closest('input, textarea, select, .lq-log')) {
      return null;
    }
    const inGraph = target.closest('.lq-canvas') !== null;
    if (event.ctrlKey || event.metaKey) {
      const again = key === 'y' || (key === 'z' && event.shiftKey);
      const some = selection.tasks.length > 0;
      return again ? redo : key === 'z' ? undo : key === 'a' ? selectAll : key === 'd' && some ? duplicate : null;
    }
    if (key === 'escape') {
      return linkingFrom !== null ? () => beginLink(null) : selection === NOTHING ? null : () => choose(null);
    }
    if (key === 'delete' || (key === 'backspace' && inGraph)) {
      return selection.tasks.length + selection.links.length > 0 ? remove : null;
    }
    const from = target.getAttribute('data-task') ?? only;
    return key === 'c' && inGraph && from !== null ? () => beginLink(from) : null;
  };
  const pressed = (event: KeyboardEvent) => {
    const does = doing(event);
    if (does) {
      event.preventDefault();
      event.stopPropagation();
      does();
    }
  };
  // The field of a fault can be focused once its form is drawn.
  useEffect(() => {
    if (jump && box) {
      focusField(box, jump.field);
    }
  }, [jump, box]);
  const jumpTo = (fault: FoundFault) => {
    choose(fault.task);
    setJump({ ...fault });
  };
  const upgrades = upgradesOf(tasks, blocks);
  const upgradeAll = () => {
    edit({ type: 'upgrade', upgrades });
    setSaid(trans._n('Updated %1 task.', 'Updated %1 tasks.', upgrades.length));
  };
  // Without tasks the empty graph says what to do.
  const own = tasks.length > 0 ? ownFault(workflow) : '';
  const faults = findFaults([own, ...check.faults].filter(fault => fault !== ''), tasks);

  return (
    <section ref={setBox} className="lq-root lq-composer" aria-label={trans.__('Workflow composer')} onKeyDown={pressed} {...clipboard.events}>
      <ComposerHeader {...props} onUndo={undo} onRedo={redo} asText={asText} onAsText={setAsText} savable={ownFault(workflow) === ''} onEdit={edit} />
      {props.message?.conflict && <ConflictBar text={props.message.text} busy={props.busy} onReload={reload} onOverwrite={props.onOverwrite} />}
      {run && <RunStrip run={run} onCancel={props.onCancel} />}
      {asText ? (
        <TextView workflow={workflow} onText={props.onText} onRead={props.onRead} onChange={replace} onClose={() => setAsText(false)} />
      ) : (
        <div className="lq-composer-body" data-side={side}>
          <Palette blocks={blocks} onAdd={block => edit({ type: 'add-task', block })} onRefresh={props.onRefresh} />
          <div className="lq-canvas" tabIndex={-1}>
            <Toolbar
              tasks={selection.tasks.length}
              links={selection.links.length}
              linking={linkingFrom !== null}
              moved={places !== null}
              said={said}
              onCopy={clipboard.copy}
              onCut={clipboard.cut}
              onPaste={clipboard.paste}
              onDuplicate={duplicate}
              onRemove={remove}
              onLinking={() => beginLink(linkingFrom === null ? only : null)}
              onArrange={() => {
                setPlaces(null);
                keepFocus();
                setSaid(trans.__('Arranged.'));
              }}
            />
            <Graph
              workflow={workflow}
              run={run}
              blocks={blocks}
              faults={faults}
              selection={selection}
              visible={props.visible}
              onSelection={select}
              changes={{
                linkingFrom,
                places,
                onPlaces: setPlaces,
                onLink: link,
                onDrop: reference => {
                  const block = blocks.find(one => `${one.spec.name}@${one.version}` === reference);
                  return block ? (edit({ type: 'add-task', block }).tasks.at(-1)?.name ?? null) : null;
                }
              }}
            />
            <Notices faults={faults} upgrades={upgrades} onFault={jumpTo} onUpgrade={upgradeAll} />
          </div>
          <SideChoice side={side} onSide={setSide} />
          <Inspector
            {...props}
            selection={selection}
            links={links}
            faults={faults}
            onEdit={edit}
            onChoose={choose}
            onDuplicate={duplicate}
            onRemove={remove}
          />
        </div>
      )}
    </section>
  );
}
