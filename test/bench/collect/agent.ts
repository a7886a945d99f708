/** The agent's command line, in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from './processes.js';

interface AgentEvent {
	event: string;
	[member: string]: unknown;
}

export class Agent {
	readonly events: { at: number; told: AgentEvent }[] = [];
	private waiting: (() => void)[] = [];
	private readonly exited: Promise<void>;
	private over = false;

	private constructor(
		readonly child: ChildProcess,
		/** Where the records are. */
		readonly dir: string,
	) {
		if (child.stdout) {
			createInterface({ input: child.stdout }).on('line', (line) => {
				this.events.push({ at: performance.now(), told: JSON.parse(line) });
				this.wake();
			});
		}
		this.exited = new Promise((resolve) =>
			child.once('close', () => {
				this.over = true;
				this.wake();
				resolve();
			}),
		);
	}

	static async ask(origin: string): Promise<Agent> {
		const dir = join(await mkdtemp(join(tmpdir(), 'satchel-bench-agent-')), 'records');
		const args = ['dist/node/agent.js', 'request', '--relay', origin, '--out', dir, '--who', 'Bench', '--why', 'Bench'];
		return new Agent(spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] }), dir);
	}

	/** The first event of a kind, with the time it came at (`performance.now()`). */
	async event(name: string): Promise<{ at: number; told: AgentEvent }> {
		for (;;) {
			const found = this.events.find(({ told }) => told.event === name);
			if (found) return found;
			if (this.over) throw new Error(`no "${name}": ${JSON.stringify(this.events.map(({ told }) => told))}`);
			await new Promise<void>((resolve) => this.waiting.push(resolve));
		}
	}

	private wake(): void {
		for (const resolve of this.waiting.splice(0)) resolve();
	}

	async stop(): Promise<void> {
		this.child.kill('SIGKILL');
		await this.exited;
		await rm(join(this.dir, '..'), { recursive: true, force: true });
	}
}
