/** The worker's commands, asked from within a page of the app. */
import { CONTRACT_VERSION, type CommandName, type Payload, type Reply } from '../../sw/contract.js';

/** A page, whoever drives it. */
interface Evaluates {
	evaluate<A, R>(run: (argument: A) => Promise<R>, argument: A): Promise<R>;
}

/** Sends a command as the page does: the same message is posted again as long as there is no reply. */
export async function ask<C extends CommandName>(page: Evaluates, command: C, payload: Payload<C>): Promise<Reply<C>> {
	const answer = await page.evaluate(
		async ({ satchel, command, payload }) => {
			const id = crypto.randomUUID();
			const { serviceWorker } = navigator;
			const post = async () => (await serviceWorker.ready).active?.postMessage({ satchel, id, command, payload });
			return new Promise<{ ok: boolean; reply?: unknown; error?: { code: string } }>((resolve) => {
				const again = setInterval(post, 4000);
				const receive = ({ data }: MessageEvent) => {
					if (data?.id !== id) return;
					clearInterval(again);
					serviceWorker.removeEventListener('message', receive);
					resolve(data);
				};
				serviceWorker.addEventListener('message', receive);
				void post();
			});
		},
		{ satchel: CONTRACT_VERSION, command, payload },
	);
	if (!answer.ok) throw new Error(`${command}: ${answer.error?.code}`);
	return answer.reply as Reply<C>;
}
