// Very long pastes are cut before they travel; the server is told their true length and refuses them in words.
(title, body, length, models) => {
  title = title ?? ''; body = body ?? '';
  window.fakenews.sent = [title, body];
  return [title.slice(0, 30001), body.slice(0, 30001), title.length + body.length, models];
}
