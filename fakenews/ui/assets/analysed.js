(title, body) => {
  window.fakenews.shown = window.fakenews.sent;
  window.fakenews.look(title, body);
}
