/** Saves text as a file on the device. The worker and the network have no part in it. */
export function saveFile(name: string, type: string, text: string): void {
	const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
	const link = document.createElement('a');
	link.href = url;
	link.download = name;
	link.click();
	// Safari reads it only after the click is over.
	setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
