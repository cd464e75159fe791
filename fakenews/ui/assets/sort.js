// A click on the head of a column sorts by it, best first, then the other way round.
element => element.addEventListener('click', e => {
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
})
