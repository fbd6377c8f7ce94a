/** Name shows a name that may be long: it ends in an ellipsis, and its title has the whole name. */
export function Name({ children }: { children: string }) {
  return (
    <span className="name" title={children}>
      {children}
    </span>
  );
}
