/** Why there can be no local notifications. */
export type Obstacle = 'browser' | 'ios' | 'install' | 'denied';

/** What a browser says of itself. */
export interface Abilities {
	notifications: boolean;
	periodicSync: boolean;
	ios: boolean;
	permission: NotificationPermission;
	/** Of `periodic-background-sync`, which Chromium gives to installed apps without asking. */
	background: PermissionState;
}

/** The first thing in the way; null if nothing is. Pure. */
export function obstacle({ notifications, periodicSync, ios, permission, background }: Abilities): Obstacle | null {
	if (ios) return 'ios';
	if (!notifications || !periodicSync) return 'browser';
	if (permission === 'denied') return 'denied';
	return background === 'granted' ? null : 'install';
}
