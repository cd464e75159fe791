// Brings what has come into sight, where it is not.
({what}) => requestAnimationFrame(() => document.querySelector(what)?.scrollIntoView({block: 'nearest'}))
