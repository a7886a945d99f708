/** Line icons of 24 × 24, drawn for this app; always beside words, so hidden from assistive technology. */
const paths = {
	shield: 'M12 3l7 3v5c0 4.6-2.9 8-7 10-4.1-2-7-5.4-7-10V6z M9 12l2.2 2.2L15.5 10',
	lock: 'M6 11h12v9H6z M8.5 11V8a3.5 3.5 0 0 1 7 0v3',
	clock: 'M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z M12 7.500V12l3 2',
	check: 'M5 12.5l4.5 4.5L19 7.5',
	cross: 'M6 6l12 12 M18 6L6 18',
	alert: 'M12 4l9 16H3z M12 10v4 M12 17v.4',
	arrow: 'M5 12h14 M13 6l6 6-6 6',
	back: 'M19 12H5 M11 6l-6 6 6 6',
	plus: 'M12 5v14 M5 12h14',
	box: 'M4 8l8-4 8 4v8l-8 4-8-4z M4 8l8 4 8-4 M12 12v8',
	wifi: 'M4 4l16 16 M8.500 15.500a5 5 0 0 1 7 0 M5 12a10 10 0 0 1 4-2.400 M15 9.600a10 10 0 0 1 4 2.400 M12 19v.4',
	device: 'M8 3h8v18H8z M11.500 18h1',
	search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14z M16 16l4.500 4.500',
} as const;

export function Icon({ name }: { name: keyof typeof paths }) {
	return (
		<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
			<path d={paths[name]} />
		</svg>
	);
}

/** The satchel itself. */
export function Mark() {
	return (
		<svg class="mark" viewBox="0 0 64 64" aria-hidden="true" focusable="false">
			<path class="mark-line" d="M24 21v-4a8 8 0 0 1 16 0v4" />
			<rect class="mark-body" x="11" y="20" width="42" height="33" rx="6" />
			<path class="mark-flap" d="M11 26a6 6 0 0 1 6-6h30a6 6 0 0 1 6 6v5c0 6-9 9-21 9s-21-3-21-9z" />
			<path class="mark-plus" d="M32 32v9 M27.500 36.500h9" />
		</svg>
	);
}
