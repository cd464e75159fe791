// Refuses whatever too large is chosen for, or dropped on, a file component, and tells Python its name.
({file, most}, element, trigger) => {
  const refuse = e => {
    if (!element.isConnected || !e.target.closest?.(`#${file}`)) return;
    const dropped = e.type === 'drop';
    const large = [...(dropped ? e.dataTransfer : e.target).files ?? []].find(file => file.size > most);
    if (!large) return;
    e.preventDefault();
    e.stopImmediatePropagation();
    if (dropped) e.target.dispatchEvent(new DragEvent('dragleave', {bubbles: true}));
    else e.target.value = '';
    trigger('click', {key: large.name});
  };
  for (const type of ['change', 'drop']) document.addEventListener(type, refuse, true);
}
