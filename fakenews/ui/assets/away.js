// The way back is open while the threshold is elsewhere.
({threshold}, value) => ({__type__: 'update', interactive: value !== threshold})
