// A click on the head of a column sorts by it, best first, then the other way round; one on the head of a group folds
// it to its first figure. What is folded stays so when the table is drawn anew.
element => {
  const folded = new Set(['0']);
  const fold = () => {
    for (const button of element.querySelectorAll('[data-group]')) {
      const closed = folded.has(button.dataset.group);
      button.ariaExpanded = !closed;
      button.closest('th').colSpan = closed ? 1 : button.dataset.span;
      button.closest('table').classList.toggle(`fn-closed${button.dataset.group}`, closed);
    }
  };
  new MutationObserver(fold).observe(element, {childList: true, subtree: true});
  fold();
  element.addEventListener('click', e => {
    const group = e.target.closest('button[data-group]')?.dataset.group;
    if (group) {
      if (!folded.delete(group)) folded.add(group);
      fold();
      return;
    }
    const button = e.target.closest('button[data-column]');
    if (!button) return;
    const head = button.closest('th'), body = head.closest('table').tBodies[0];
    const column = Number(button.dataset.column);
    const wanted = head.getAttribute('aria-sort') === button.dataset.first
      ? (button.dataset.first === 'ascending' ? 'descending' : 'ascending') : button.dataset.first;
    const sign = wanted === 'ascending' ? 1 : -1;
    const value = row => row.cells[column].dataset.value;
    const rows = [...body.rows].sort((a, b) => {
      if (value(a) === '' || value(b) === '') return (value(a) === '') - (value(b) === '');
      return column === 0 ? sign * value(a).localeCompare(value(b)) : sign * (Number(value(a)) - Number(value(b)));
    });
    head.closest('thead').querySelectorAll('th[aria-sort]').forEach(th => th.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', wanted);
    rows.forEach(row => body.append(row));
  });
}
