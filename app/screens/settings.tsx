import { Opening, Screen } from '../parts/screen.js';
import { Backup } from '../parts/settings-backup.js';
import { Lock } from '../parts/settings-lock.js';
import { Reminders } from '../parts/settings-reminders.js';
import { overview } from '../state.js';
import { settings as w } from '../words/settings.js';

/** What a person sets once: reminders, the lock, and moving to another browser. One section a file. */
export function Settings() {
	return (
		<Screen title={w.title} lead={w.lead} narrow>
			{!overview.value ? (
				<Opening />
			) : (
				<>
					<Reminders />
					<Lock />
					<Backup />
				</>
			)}
		</Screen>
	);
}
