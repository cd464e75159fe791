// Gives focus to something else once what was pressed is gone.
({focus}) => window.fakenews.refocus(focus)
