// The page's Content-Security-Policy allows only style elements with the page's nonce. antd creates most of its styles at run
// time, and parts of antd take no nonce (the lock of the scroll bar behind a dialog). So each style element that a script
// creates gets the nonce here. An element that comes from markup does not get it.
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
