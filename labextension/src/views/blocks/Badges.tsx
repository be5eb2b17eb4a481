import type { Block } from '../../contract';
import { verdictTone } from '../../state/states';
import { Icon, Mark, useTrans } from '../elements';

/** How a version was proven; the evidence shows on hovering. */
export function VerdictBadge({ block }: { block: Block }) {
  const trans = useTrans();
  const { verdict, evidence } = block.verification;
  const words = {
    'proven by run': trans.__('proven by run'),
    'proven by import': trans.__('proven by import'),
    'not proven': trans.__('not proven')
  };
  const tone = verdictTone(verdict);
  return (
    <span className={`lq-chip lq-tone-${tone}`} title={evidence || undefined}>
      {tone === 'good' ? <Mark mark="SUCCEEDED" tone={tone} /> : <Icon name="warning" />}
      {words[verdict]}
    </span>
  );
}

/** Whether it was made from a notebook or put around an image. */
export function KindBadge({ block }: { block: Block }) {
  const trans = useTrans();
  const image = block.spec.kind === 'image';
  return (
    <span
      className="lq-chip"
      title={image ? trans.__('Put around an existing image: %1', block.spec.base) : trans.__('Made from a notebook')}
    >
      <Icon name={image ? 'image' : 'notebook'} />
      {image ? trans.__('image') : trans.__('notebook')}
    </span>
  );
}

/** The same where there is little room: a picture, and words for those who hear it. */
export function KindIcon({ block }: { block: Block }) {
  const trans = useTrans();
  const image = block.spec.kind === 'image';
  const words = image ? trans.__('Put around an existing image: %1', block.spec.base) : trans.__('Made from a notebook');
  return (
    <span className="lq-kind" title={words}>
      <Icon name={image ? 'image' : 'notebook'} />
      <span className="lq-hidden">{image ? trans.__('image') : trans.__('notebook')}</span>
    </span>
  );
}

/** That its base layers are missing; nothing where they are not. */
export function BaseBadge({ block }: { block: Block }) {
  const trans = useTrans();
  return block.complete ? null : (
    <span className="lq-chip lq-warned" title={trans.__('Only the process executor can run it.')}>
      <Icon name="warning" />
      {trans.__('no base layers')}
    </span>
  );
}

/** That it should not be used any more; nothing where it may. */
export function DeprecatedBadge({ block }: { block: Block }) {
  const trans = useTrans();
  return block.deprecated === null ? null : (
    <span className="lq-chip lq-warned" title={block.deprecated || undefined}>
      <Icon name="warning" />
      {trans.__('deprecated')}
    </span>
  );
}

/** Everything that marks a version, in one order everywhere. */
export function Badges({ block }: { block: Block }) {
  return (
    <>
      <KindBadge block={block} />
      <VerdictBadge block={block} />
      <DeprecatedBadge block={block} />
      <BaseBadge block={block} />
    </>
  );
}
