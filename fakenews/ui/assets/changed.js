(title, body) => window.fakenews.look(title, body)
