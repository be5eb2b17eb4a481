/** When a run that the user started ends, what of it is told. */
export type Notify = 'all' | 'failures' | 'none';

/** What a user can set; `schema/plugin.json` says what each means. */
export interface Settings {
  badge: boolean;
  notify: Notify;
  defaultProject: string;
  statusBar: boolean;
}

export const DEFAULT_SETTINGS: Settings = {
  badge: true,
  notify: 'all',
  defaultProject: 'default',
  statusBar: true
};

/** The settings in a document of the settings registry; what is missing or of another kind is as by default. */
export function readSettings(document: { [name: string]: unknown }): Settings {
  const { badge, notify, defaultProject, statusBar } = document;
  return {
    badge: typeof badge === 'boolean' ? badge : DEFAULT_SETTINGS.badge,
    notify: notify === 'failures' || notify === 'none' ? notify : DEFAULT_SETTINGS.notify,
    defaultProject: typeof defaultProject === 'string' && defaultProject !== '' ? defaultProject : DEFAULT_SETTINGS.defaultProject,
    statusBar: typeof statusBar === 'boolean' ? statusBar : DEFAULT_SETTINGS.statusBar
  };
}
