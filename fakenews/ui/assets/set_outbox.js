// What this browser keeps of a review of a set: the reviewer's key, drafts, and answers that wait to be sent. They are
// sent one after another, each until it is stored or refused; an answer that is changed meanwhile keeps its place.
(id, told) => {
  const name = `fakenews-set-${id}`, api = `api/v1/review-sets/${encodeURIComponent(id)}`;
  const SORRY = 'The server does not answer as it should: try again in a minute.';
  const empty = {key: '', name: '', begun: false, unsent: [], drafts: {}};
  let memory = empty, remembers = true, sending = false, timer = 0, failures = 0;

  const read = () => {
    let stored = null;
    try { stored = localStorage.getItem(name); } catch { remembers = false; }
    try { if (remembers) memory = {...empty, ...JSON.parse(stored ?? '{}')}; } catch { memory = empty; }
    return structuredClone(memory);
  };
  const change = how => {
    const now = read();
    how(now);
    memory = now;
    try { localStorage.setItem(name, JSON.stringify(now)); } catch { remembers = false; }
  };

  // The error of an answer that came has its status; one without was not heard.
  const ask = async (method, path, {key, body, keepalive = false} = {}) => {
    const headers = {...(key && {authorization: `Bearer ${key}`}), ...(body && {'content-type': 'application/json'})};
    const signal = AbortSignal.timeout(30000);
    const answer = await fetch(path, {
      method, headers, keepalive, signal, cache: 'no-store', body: body && JSON.stringify(body),
    });
    const content = await answer.json().catch(() => null);
    if (answer.ok && content) return content;
    const wait = Number(answer.headers.get('retry-after')) || 0;
    throw Object.assign(Error(content?.error ?? SORRY), {status: answer.ok ? 0 : answer.status, wait});
  };
  const passes = error => !error.status || error.status >= 500 || [408, 429].includes(error.status);

  const later = wait => {
    clearTimeout(timer);
    timer = setTimeout(flush, 1000 * Math.max(wait || 0, Math.min(60, 2 ** failures++)) * (1 + Math.random() / 4));
  };
  const flush = async () => {
    if (sending || !read().unsent.length) return;
    sending = true;
    clearTimeout(timer);
    for (let entry; (entry = read().unsent[0]);) {
      const drop = () => change(now => { now.unsent = now.unsent.filter(e => e.id !== entry.id); });
      if (!failures) told('sending');
      try {
        const stored = await ask('PUT', `${api}/answers/${entry.number}`, {...entry, keepalive: true});
        failures = 0;
        drop();
        told('stored', entry, stored);
      } catch (error) {
        if (passes(error) || await told('refused', entry, error)) {
          told('kept', entry, error);
          later(error.wait);
          break;
        }
        drop();
        told('dropped', entry, error);
      }
    }
    sending = false;
  };
  const put = (key, number, body) => {
    const entry = {id: `${Date.now()}-${Math.random()}`, key, number, body};
    change(now => {
      const at = now.unsent.findIndex(e => e.key === key && e.number === number);
      if (at < 0) now.unsent.push(entry);
      else now.unsent[at] = entry;
      delete now.drafts[number];
    });
    flush();
  };
  addEventListener('online', () => { failures = 0; flush(); });
  addEventListener('visibilitychange', () => { if (!document.hidden) flush(); });
  return {api, ask, passes, read, change, put, flush, remembers: () => remembers};
}
