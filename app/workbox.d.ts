/** The build of workbox-window without ES5 helpers (half the size); its package describes only the default one. */
declare module 'workbox-window/build/workbox-window.prod.mjs' {
	export { Workbox } from 'workbox-window';
}
