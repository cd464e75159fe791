// Takes a reviewer through a set: asks for a name, shows one article after another in the reviewer's own order, and
// hands every answer to the outbox at once. `outboxOf` is the function of the script `set_outbox`.
outboxOf => {
  const $ = id => document.getElementById(`fn-set-${id}`), all = what => [...document.querySelectorAll(what)];
  const page = document.body, {dataset} = page, id = dataset.set, blind = 'blind' in dataset;
  const WORDS = {fake: 'Fake', real: 'Real', cannot_judge: 'Cannot tell'};
  const KEYS = {f: 'fake', r: 'real', '?': 'cannot_judge'};
  const KEPT = 'Kept on this device; will be sent when the connection is back.', AHEAD = 5;
  const set = {n: +dataset.articles, pending: +dataset.pending, preparing: 'preparing' in dataset, closed: 'closed' in dataset};
  const articles = new Map(), loading = new Map(), spent = {};
  let me = null, at = -1, number = -1, model = '', picked = {}, drawn = '', since = 0, again = 0, typing = 0;

  const show = view => {
    dataset.view = view;
    for (const e of all('[data-in]')) e.hidden = !e.dataset.in.split(' ').includes(view);
    if ($('guide')) $('guide').open = !['review', 'all'].includes(view);
    if (!['review', 'all'].includes(view)) trouble('');
  };
  const say = (element, sentence) => { element.textContent = sentence; element.hidden = !sentence; };
  const trouble = sentence => say($('trouble'), sentence);
  const heard = sentence => { $('heard').textContent = sentence; };
  const state = sentence => { $('state').textContent = $('unsent').textContent = sentence; };
  const length = text => [...text].length;

  // Seconds are counted while the article is seen.
  const tick = () => {
    if (since) spent[number] = (spent[number] ?? 0) + performance.now() - since;
    since = dataset.view === 'review' && !document.hidden ? performance.now() : 0;
  };
  const seconds = () => { tick(); return Math.min(86400, Math.round((spent[number] ?? 0) / 100) / 10); };

  // What the outbox tells; `refused` gives whether the answer is to be kept and sent later.
  const told = async (what, entry, about) => {
    if (what === 'sending') return state('Saving…');
    if (what === 'refused') {
      try { await look(); } catch { return true; }
      return set.pending > 0;
    }
    const mine = me && entry.key === outbox.read().key;
    const left = outbox.read().unsent.length;
    if (what === 'kept') state(about.status ? `Kept on this device. ${about.message}` : KEPT);
    if (what === 'stored') state(left ? 'Saving…' : 'Saved');
    if (what === 'dropped') state('Not saved');
    if (!mine) return;
    if (what === 'stored') {
      const newer = outbox.read().unsent.some(e => e.key === entry.key && e.number === entry.number);
      me.answers[entry.number] = newer ? {...me.answers[entry.number], saved: about.saved} : about;
    }
    if (what === 'dropped') await refused(entry, about);
    if (entry.number === number) fetchShown();
    draw();
  };
  const refused = async (entry, error) => {
    if (error.status === 404 || error.status === 401) return lost();
    if (entry.number === number) say($('refused'), error.message);
    else trouble(`Article ${place(entry.number)} was not saved. ${error.message}`);
    try { take(await outbox.ask('GET', `${outbox.api}/reviewer`, {key: entry.key})); } catch { /* told at the next answer */ }
    picked = {};
  };
  const outbox = outboxOf(id, told);

  // Whether the set takes answers, asked again.
  const look = async () => {
    try {
      const now = await outbox.ask('GET', outbox.api);
      Object.assign(set, {n: now.n_articles, pending: now.n_pending, preparing: !now.is_ready, closed: now.closed});
    } catch (error) {
      if (error.status === 404) show('gone');
      else throw error;
    }
  };
  const lost = async () => {
    try { await look(); } catch { return; }
    if (dataset.view !== 'gone') show('unknown');
  };
  const take = found => {
    me = {...found, answers: Object.fromEntries(found.answers.map(a => [a.number, a]))};
    const {unsent, key} = outbox.read();
    for (const e of unsent) if (e.key === key) me.answers[e.number] = {spans: [], comment: '', ...me.answers[e.number], ...e.body};
    $('who').textContent = me.name;
  };

  const retry = (work, error) => {
    trouble(error.status ? error.message : 'There is no connection to the server: this page tries again by itself.');
    clearTimeout(again);
    again = setTimeout(work, 1000 * Math.max(3, error.wait || 0));
  };
  const start = async () => {
    clearTimeout(again);
    const given = location.hash.slice(1);
    if (given) {
      leave();
      articles.clear();
      history.replaceState(null, '', location.pathname + location.search);
      if (/^[\w-]{22}$/.test(given)) outbox.change(now => {
        if (now.key !== given) Object.assign(now, {key: given, name: '', begun: true, drafts: {}});
      });
    }
    const {key, begun, name} = outbox.read();
    $('name').value = name;
    if (set.preparing && !set.closed) return prepare();
    if (!key) return show(set.closed ? 'closed' : 'name');
    try {
      take(await outbox.ask('GET', `${outbox.api}/reviewer`, {key}));
    } catch (error) {
      if (error.status === 404 && !begun) return show(set.closed ? 'closed' : 'name');
      return outbox.passes(error) ? retry(start, error) : lost();
    }
    trouble('');
    outbox.change(now => { now.begun = true; });
    if (!outbox.remembers()) say($('forgets'), 'This browser keeps nothing when it is closed: copy the link first.');
    outbox.flush();
    const first = me.order.findIndex(n => !me.answers[n]);
    return first < 0 ? sum() : open(first);
  };
  const prepare = async () => {
    show('preparing');
    $('preparing').max = set.n;
    $('preparing').value = set.n - set.pending;
    $('ready').textContent = `${set.n - set.pending} of ${set.n} articles are ready.`;
    await new Promise(done => setTimeout(done, 3000));
    try { await look(); } catch (error) { return retry(prepare, error); }
    if (dataset.view === 'preparing') set.preparing ? prepare() : start();
  };
  const newKey = () => {
    let key;
    do key = btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))))
      .replaceAll('+', '-').replaceAll('/', '_').slice(0, 22);
    while (key.startsWith('-'));
    return key;
  };
  $('form').addEventListener('submit', async e => {
    e.preventDefault();
    const name = $('name').value;
    outbox.change(now => Object.assign(now, {name, key: now.key || newKey()}));  // sent again, it begins no second review
    $('begin').disabled = true;
    try {
      await outbox.ask('POST', `${outbox.api}/reviewers`, {body: {name, key: outbox.read().key}});
      trouble('');
      await start();
    } catch (error) {
      trouble(error.status ? error.message : 'There is no connection to the server: press Begin again in a moment.');
    }
    $('begin').disabled = false;
  });
  $('anew').addEventListener('click', () => {
    outbox.change(now => Object.assign(now, {
      key: '', begun: false, drafts: {}, unsent: now.unsent.filter(e => e.key !== now.key),
    }));
    me = null;
    articles.clear();
    show(set.closed ? 'closed' : 'name');
    $('name').focus();
  });

  // Articles: the one shown, and the next few in the reviewer's order.
  const lacks = n => {
    const found = articles.get(n);
    return !found || (blind && me.answers[n]?.saved && !found.answer && !found.problem);
  };
  const load = async n => {
    await loading.get(n)?.catch(() => {});
    if (!lacks(n)) return;
    if (!loading.has(n)) loading.set(n, (async () => {
      try {
        const found = await outbox.ask('GET', `set/${encodeURIComponent(id)}/articles/${n}`, {key: outbox.read().key});
        articles.set(n, found);
        if (n === number && found.answer && blind) heard(found.heard);
      } finally { loading.delete(n); }
    })());
    await loading.get(n);
  };
  const fetchShown = async () => {
    const n = number;
    try {
      await load(n);
      if (n !== number) return;
      say($('missing'), '');
      draw();
      for (const next of me.order.slice(at + 1, at + 1 + AHEAD)) await load(next);
    } catch (error) {
      if (n !== number) return;
      if ([401, 404].includes(error.status)) return lost();
      if (!outbox.passes(error)) return say($('missing'), error.message);
      if (!articles.has(n)) say($('missing'), 'This article has not been loaded: it appears when the connection is back.');
      clearTimeout(again);
      again = setTimeout(fetchShown, 1000 * Math.max(4, error.wait || 0));
    }
  };
  addEventListener('online', () => { if (dataset.view === 'review') fetchShown(); });
  addEventListener('offline', () => { if (me) state('No connection: answers are kept on this device and sent when it is back.'); });
  addEventListener('hashchange', start);

  const place = n => me.order.indexOf(n) + 1;
  const counted = () => me.order.filter(n => me.answers[n]).length;
  const open = to => {
    leave();
    if (to >= me.order.length) return sum();
    tick();
    since = 0;
    at = to;
    number = me.order[at];
    picked = {};
    drawn = '';
    show('review');
    tick();
    for (const e of ['refused', 'missing']) say($(e), '');
    if (!outbox.read().unsent.length) state('');
    $('unread').replaceChildren();
    $('text').replaceChildren();
    $('comment').value = answer()?.comment ?? '';
    draw();
    fetchShown();
    scrollTo(0, 0);
    $('heading').focus({preventScroll: true});
  };
  const sum = () => {
    leave();
    tick();
    number = -1;
    show('all');
    const n = counted(), total = me.order.length;
    $('sum').textContent = n === total ? 'Thank you' : 'Your answers so far';
    $('told').textContent = n === total
      ? `You answered all ${total} articles. You can close this page, or go back to any of them.`
      : `You answered ${n} of ${total} articles.${set.closed ? ' The set is closed and takes no more answers.' : ''}`;
    const groups = {left: me.order.filter(i => !me.answers[i]), done: me.order.filter(i => me.answers[i])};
    for (const [name, numbers] of Object.entries(groups)) {
      $(name).hidden = !numbers.length;
      $(name).querySelector('div').replaceChildren(...numbers.map(i => {
        const button = Object.assign(document.createElement('button'), {type: 'button', textContent: place(i)});
        button.setAttribute('aria-label', `Article ${place(i)}`);
        button.addEventListener('click', () => open(place(i) - 1));
        return button;
      }));
    }
    $('on').hidden = !groups.left.length || set.closed;
    scrollTo(0, 0);
    $('sum').focus({preventScroll: true});
  };

  // The answer to the article shown, given or begun.
  const answer = () => me.answers[number] ?? outbox.read().drafts[number];
  const given = () => me.answers[number];
  const change = changes => {
    const none = {verdict: null, confidence: null, seconds: null, after: null, spans: [], comment: ''};
    const now = {...none, ...answer(), ...changes};
    if (set.closed) return;
    say($('refused'), '');
    if (!now.verdict) {
      outbox.change(kept => { kept.drafts[number] = now; });
      state('Kept on this device until you pick a verdict.');
    } else {
      const {verdict, confidence, seconds, after, spans, comment} = now;
      me.answers[number] = now;
      outbox.put(outbox.read().key, number, {verdict, confidence, seconds, spans, comment, ...(blind && after && {after})});
    }
    draw();
  };
  const seen = () => Boolean(articles.get(number)?.answer);
  const judge = verdict => {
    if (set.closed) return;
    if (!blind) return change({verdict, seconds: answer()?.seconds ?? seconds()});
    if (given()) return seen() && change({after: verdict});
    picked = {...picked, verdict, seconds: seconds()};
    first();
  };
  const sure = confidence => {
    if (set.closed || (blind && given())) return;
    if (!blind) return change({confidence});
    picked = {...picked, confidence};
    first();
  };
  const first = () => {
    if (picked.verdict && picked.confidence) {
      const focused = $('first').contains(document.activeElement);
      change(picked);
      if (focused) $('yours').focus({preventScroll: true});
    } else draw();
  };
  const keep = () => { if (blind && given() && seen() && !given().after) change({after: given().verdict}); };
  const go = by => {
    if (by < 0 && at <= 0) return;
    if (by > 0) keep();
    open(at + by);
  };

  // Marks are characters of the text; `selection` remembers what is selected and draws them.
  const markable = () => !set.closed && Boolean(articles.get(number)?.text) && (!blind || Boolean(given()?.saved));
  const advise = sentence => say($('refused'), sentence);
  const mark = () => {
    const [start, end] = (window.fakenews.selected || '').split('-').map(Number);
    if (!markable()) return;
    if (!(end > start)) return advise('Select words in the text first, then press “Mark selection”.');
    const spans = [];
    for (const [from, to] of [...(answer()?.spans ?? []), [start, end]].sort((a, b) => a[0] - b[0])) {
      const last = spans.at(-1);
      if (last && from <= last[1]) last[1] = Math.max(last[1], to);
      else spans.push([from, to]);
    }
    if (spans.length > +dataset.spans) return advise(`Up to ${dataset.spans} stretches fit: remove one first.`);
    window.fakenews.selected = '';
    if (getSelection().rangeCount) getSelection().collapseToEnd();
    advise('');
    change({spans});
  };
  const unmark = span => change({spans: answer().spans.filter(s => s.join() !== span.join())});
  $('text').addEventListener('click', e => {
    const text = $('text').querySelector('.fn-text');
    if (!markable() || !text?.contains(e.target) || !getSelection().isCollapsed) return;
    const spot = document.caretPositionFromPoint?.(e.clientX, e.clientY);
    const range = spot ? null : document.caretRangeFromPoint(e.clientX, e.clientY), before = document.createRange();
    before.selectNodeContents(text);
    before.setEnd(spot?.offsetNode ?? range.startContainer, spot?.offset ?? range.startOffset);
    const offset = length(before.toString());
    const span = (answer()?.spans ?? []).find(([from, to]) => from <= offset && offset < to);
    if (span) unmark(span);
  });
  document.getElementById('fn-mark').addEventListener('click', mark);

  const drawMarks = () => {
    const list = document.querySelector('#fn-marks ul');
    const chars = [...($('text').querySelector('.fn-text')?.textContent ?? '')];
    const spans = chars.length ? answer()?.spans ?? [] : [];
    const key = `${number} ${chars.length} ${spans.join(' ')}`;
    if (list.dataset.drawn === key) return;
    list.dataset.drawn = key;
    if (spans.length) list.dataset.spans = spans.map(s => s.join('-')).join(' ');
    else delete list.dataset.spans;
    list.previousElementSibling.hidden = spans.length > 0;
    list.replaceChildren(...spans.map(span => {
      const row = $('mark').content.cloneNode(true), words = chars.slice(...span).join('').replace(/\s+/g, ' ').trim();
      row.querySelector('q').textContent = length(words) > 90 ? `${[...words].slice(0, 89).join('')}…` : words;
      const button = row.querySelector('button');
      button.setAttribute('aria-label', `remove the mark on “${words}”`);
      button.disabled = set.closed;
      button.addEventListener('click', () => { unmark(span); document.getElementById('fn-mark').focus(); });
      return row;
    }));
  };
  const drawText = article => {
    const models = article.models.map(m => m.model), shown = models.includes(model) ? model : models[0] ?? '';
    const seen = Boolean(article.answer), marks = markable() || seen, key = `${number} ${shown} ${marks} ${seen}`;
    if (key === drawn) return;
    drawn = key;
    $('unread').innerHTML = marks ? '' : article.text ?? '';
    $('text').innerHTML = marks ? article.highlights[shown] ?? article.text ?? '' : '';
    $('answer').innerHTML = article.answer ?? '';
    $('words').innerHTML = article.words;
    say($('missing'), article.problem);
    $('models').hidden = models.length < 2;
    $('models').querySelector('.wrap').replaceChildren(...article.models.map(m => {
      const row = $('model').content.cloneNode(true), radio = row.querySelector('input');
      row.querySelector('span').textContent = m.title;
      row.querySelector('label').classList.toggle('selected', radio.checked = m.model === shown);
      radio.addEventListener('change', () => {
        model = m.model;
        draw();
        $('models').querySelector(':checked').focus();
      });
      return row;
    }));
  };
  const draw = () => {
    if (dataset.view !== 'review') return;
    const article = articles.get(number), now = answer(), mine = given(), n = counted(), total = me.order.length;
    $('where').textContent = `${at + 1} of ${total}`;
    $('heading').textContent = `Article ${at + 1} of ${total}`;
    $('answered').textContent = `${n} answered`;
    Object.assign($('progress'), {max: total, value: n});
    $('back').disabled = at === 0;
    if (article) drawText(article);
    else for (const e of ['answer', 'words']) $(e).replaceChildren();
    if (!article) $('models').hidden = true;
    const first = blind ? {...picked, ...mine} : now ?? {};
    const press = (name, chosen) => {
      for (const b of all(`button[data-${name}]`)) b.setAttribute('aria-pressed', String(chosen) === b.dataset[name]);
    };
    press('verdict', first.verdict);
    press('sure', first.confidence);
    press('after', mine?.after && (mine.after === mine.verdict ? '' : mine.after));
    for (const b of all('.fn-set-choice button, #fn-mark, #fn-set-comment')) b.disabled = set.closed;
    $('first').hidden = blind && Boolean(mine);
    const confidence = mine?.confidence ? `, ${mine.confidence} of 5` : '';
    say($('said'), blind && mine ? `You said ${WORDS[mine.verdict]}${confidence}.` : '');
    $('waiting').hidden = !(blind && mine && article && !article.answer && !article.problem);
    $('after').hidden = !(blind && mine && article?.answer);
    $('notes').hidden = blind && !mine;
    document.getElementById('fn-mark').disabled = !markable();
    if (set.closed) state('This review set is closed: it takes no more answers.');
    drawMarks();
  };

  // The comment is saved when the box is left, and after a pause.
  const leave = () => {
    clearTimeout(typing);
    const comment = $('comment').value;
    if (me && number >= 0 && comment !== (answer()?.comment ?? '') && (!blind || given())) change({comment});
  };
  $('comment').addEventListener('input', () => { clearTimeout(typing); typing = setTimeout(leave, 1500); });
  $('comment').addEventListener('change', leave);
  addEventListener('pagehide', leave);
  addEventListener('visibilitychange', () => { tick(); if (document.hidden) leave(); });

  const on = () => open(me.order.findIndex(n => !me.answers[n]));
  for (const [name, work] of Object.entries({back: () => go(-1), next: () => go(1), all: sum, on}))
    $(name).addEventListener('click', work);
  for (const b of all('button[data-verdict]')) b.addEventListener('click', () => judge(b.dataset.verdict));
  for (const b of all('button[data-sure]')) b.addEventListener('click', () => sure(+b.dataset.sure));
  for (const b of all('button[data-after]')) b.addEventListener('click', () => change({after: b.dataset.after || given().verdict}));
  $('copy').addEventListener('click', async () => {
    const link = `${location.href.split('#')[0]}#${outbox.read().key}`, box = $('link').querySelector('input');
    try {
      await navigator.clipboard.writeText(link);
      $('copy').textContent = 'Copied';
      heard('Copied');
      setTimeout(() => { $('copy').textContent = 'Copy your personal link'; }, 2000);
    } catch {
      $('link').hidden = false;
      box.value = link;
      box.select();
    }
  });

  try { $('keys').checked = localStorage.getItem('fakenews-keys') !== 'off'; } catch { /* on */ }
  $('keys').addEventListener('change', e => {
    try { localStorage.setItem('fakenews-keys', e.target.checked ? 'on' : 'off'); } catch { /* for this visit */ }
  });
  document.addEventListener('keydown', e => {
    const {target, key} = e, typed = target.matches('textarea, input:not([type=radio], [type=checkbox])');
    if (dataset.view !== 'review' || !$('keys').checked || typed || e.ctrlKey || e.metaKey || e.altKey || e.isComposing) return;
    const moves = !target.isContentEditable && !target.matches('[type=radio]');
    const low = key.toLowerCase();
    if (KEYS[low]) judge(KEYS[low]);
    else if (/^[1-5]$/.test(key)) sure(+key);
    else if (low === 'm') {
      window.fakenews.selected = window.fakenews.selection();
      mark();
    }
    else if (key === 'ArrowRight' && moves) go(1);
    else if (key === 'ArrowLeft' && moves) go(-1);
    else if (key === 'Enter' && moves && !target.closest('button, summary, a, label, input')) keep();
    else return;
    e.preventDefault();
  });

  show('opening');
  start();
}
