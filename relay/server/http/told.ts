/** A body on its way out, of which is told when it breaks off. */

/**
 * For whoever reads, a body that breaks just ends there, because the socket's adapter prints what a stream fails with. So `broken`
 * has to see that it is not taken for a whole one, or throws, and the stream fails.
 */
export function told(body: ReadableStream<Uint8Array>, broken: (thrown: unknown) => void): ReadableStream<Uint8Array> {
	const reader = body.getReader();
	return new ReadableStream<Uint8Array>(
		{
			async pull(controller) {
				try {
					const { done, value } = await reader.read();
					if (done) controller.close();
					else controller.enqueue(value);
				} catch (thrown) {
					broken(thrown);
					controller.close();
				}
			},
			cancel: (reason) => reader.cancel(reason),
		},
		{ highWaterMark: 0 },
	);
}
