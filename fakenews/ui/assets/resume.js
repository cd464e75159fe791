// The review that was begun before a reload; a browser may forbid to keep one.
() => {
  const title = document.querySelector('meta[property="og:title"]')?.content;
  if (document.documentElement.classList.contains('fn-linked') && title) document.title = title;
  try { return [sessionStorage.getItem(window.fakenews.reviewKey()) ?? '']; } catch { return ['']; }
}
