export { Sidebar, type SidebarCallbacks, type SidebarData, type SidebarProps } from './Sidebar';
