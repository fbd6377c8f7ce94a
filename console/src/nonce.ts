// The policy of the page (Content-Security-Policy) lets no style in but those that carry its nonce. antd makes most of its
// styles at run time, and parts of it do not take a nonce (the lock of the page's scroll bar behind a dialog), so whatever
// style our own scripts make gets it here. What comes in as markup never passes by.
const nonce = document.querySelector<HTMLMetaElement>('meta[property="csp-nonce"]')?.nonce;

if (nonce) {
  const create = document.createElement;
  document.createElement = function (this: Document, name: string, options?: ElementCreationOptions) {
    const element = create.call(this, name, options);
    if (element instanceof HTMLStyleElement) {
      element.nonce = nonce;
    }
    return element;
  } as typeof document.createElement;
}
