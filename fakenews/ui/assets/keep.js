// Keeps the review; where what was pressed is gone, focus goes to something else.
({focus}, visitor) => {
  try { sessionStorage.setItem(window.fakenews.reviewKey(), visitor); } catch { }
  window.fakenews.refocus(focus);
}
