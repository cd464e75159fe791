// The controls of a review set: each asks the API, with the owner's key that stands in the address and nowhere else.
() => {
  const query = new URLSearchParams(location.search);
  const path = `api/v1/review-sets/${encodeURIComponent(query.get('s'))}`, key = query.get('o');
  const find = id => document.getElementById(id);
  const said = find('fn-res-said'), trouble = find('fn-res-trouble');

  const ask = async (method, rest = '', body) => {
    const headers = {authorization: `Bearer ${key}`};
    if (body) headers['content-type'] = 'application/json';
    let answer;
    try {
      answer = await fetch(path + rest, {method, headers, body: body && JSON.stringify(body), cache: 'no-store'});
    } catch {
      throw new Error('The server cannot be reached just now: try again.');
    }
    if (answer.ok) return answer;
    const {error} = await answer.json().catch(() => ({}));
    throw new Error(error || 'The server did not answer as it should: try again.');
  };

  // What a button did is said on the page that is drawn after it.
  const again = sentence => {
    sessionStorage.setItem('fn-res-said', sentence);
    location.reload();
  };
  const gone = () => {
    document.querySelector('main').replaceChildren(find('fn-res-gone').content.cloneNode(true));
    document.querySelector('h1').focus();
  };
  const on = (button, work) => button?.addEventListener('click', async () => {
    if (button.dataset.sure && !confirm(button.dataset.sure)) return;
    trouble.hidden = true;
    button.disabled = true;
    try {
      await work(button);
    } catch (error) {
      trouble.textContent = error.message;
      trouble.hidden = false;
      trouble.scrollIntoView({block: 'nearest'});
    }
    button.disabled = false;
  });

  find('fn-res-own').value = location.href.split('#')[0];
  const before = sessionStorage.getItem('fn-res-said');
  sessionStorage.removeItem('fn-res-said');
  if (before) setTimeout(() => { said.textContent = before; }, 100);

  on(document.querySelector('[data-state]'), async button => {
    const closed = button.dataset.state === 'closed';
    await ask('POST', '/state', {closed});
    again(closed ? 'The set is closed: it takes no more answers.' : 'The set takes answers again.');
  });
  on(find('fn-res-extend'), async () => {
    const days = Number(find('fn-res-days').value);
    await ask('POST', '/expiry', {days});
    again(`The set is kept for ${days} days from now.`);
  });
  for (const button of document.querySelectorAll('[data-export]')) on(button, async () => {
    const format = button.dataset.export;
    const content = await (await ask('GET', `/results?format=${format}`)).blob();
    const a = document.createElement('a');
    a.href = URL.createObjectURL(content);
    const words = document.querySelector('h1').textContent.toLowerCase().match(/[a-z0-9]+/g) || [];
    a.download = `${['fakenews', ...words.slice(0, 6)].join('-')}.${format}`;
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 10000);
    said.textContent = 'The file is ready.';
  });

  for (const tick of document.querySelectorAll('[data-for]')) {
    const follow = () => { find(tick.dataset.for).disabled = !tick.checked; };
    tick.addEventListener('change', follow);
    follow();
  }
  on(find('fn-res-forget'), async () => {
    const picked = find('fn-res-reviewer');
    await ask('DELETE', `/reviewers/${picked.value}`);
    again(`Deleted: ${picked.selectedOptions[0].textContent}.`);
  });
  for (const id of ['fn-res-delete', 'fn-res-cancel']) on(find(id), async () => {
    await ask('DELETE');
    clearInterval(looking);
    gone();
  });

  // While articles are analyzed, the page looks how far it is, and is drawn anew once all are ready.
  const ready = find('fn-res-ready');
  const looking = ready && setInterval(async () => {
    try {
      const set = await (await ask('GET')).json();
      if (!set.n_pending) location.reload();
      const done = set.n_articles - set.n_pending;
      const sentence = `${done} of ${set.n_articles} analyses are ready`;
      if (ready.textContent !== sentence) ready.textContent = sentence;
      Object.assign(document.querySelector('#fn-res-progress progress'), {max: set.n_articles, value: done});
    } catch { /* the next look may be answered */ }
  }, 2000);
  // A link to an article opens what it is folded into.
  const open = () => {
    for (let e = location.hash && find(location.hash.slice(1)); e; e = e.parentElement) if (e.tagName === 'DETAILS') e.open = true;
    if (location.hash) find(location.hash.slice(1))?.scrollIntoView({block: 'center'});
  };
  addEventListener('hashchange', open);
  open();
}
