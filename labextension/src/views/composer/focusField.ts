/** Bring the field at `path` (`inputs.rows[2]`, `schedule.cron`) into view and focus it; else the nearest one around it. */
export function focusField(box: HTMLElement, path: string): void {
  for (let field = path; field !== ''; field = field.replace(/(?:\[[^[\]]*\]|\.?[^.[\]]+)$/, '')) {
    const found = box.querySelector<HTMLElement>(`[data-field="${CSS.escape(field)}"]`);
    const control =
      found?.querySelector<HTMLElement>('[aria-invalid]:not(:disabled)') ??
      found?.querySelector<HTMLElement>('input:not(:disabled), select, textarea, button');
    if (found) {
      found.scrollIntoView({ block: 'nearest' });
      control?.focus();
      return;
    }
  }
}
