import { Opening, Screen } from '../parts/screen.js';
import { Backup } from '../parts/settings-backup.js';
import { Lock } from '../parts/settings-lock.js';
import { Copies } from '../parts/settings-records.js';
import { Reminders } from '../parts/settings-reminders.js';
import { overview } from '../state.js';
import { settings as w } from '../words/settings.js';
import './settings.css';

/** What a person sets once: copies on this device, reminders, the lock, and moving to another browser. One section a file. */
export function Settings() {
	return (
		<Screen title={w.title} lead={w.lead} narrow>
			{!overview.value ? (
				<Opening />
			) : (
				<>
					<section class="card set" aria-labelledby="activity">
						<h2 id="activity">{w.activity}</h2>
						<p>{w.activityBody}</p>
						<div class="actions">
							<a class="button" href="/activity">
								{w.activityLink}
							</a>
						</div>
					</section>
					<Copies />
					<Reminders />
					<Lock />
					<Backup />
				</>
			)}
		</Screen>
	);
}
