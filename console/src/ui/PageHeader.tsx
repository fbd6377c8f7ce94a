import { type ReactNode, useEffect } from "react";

interface Props {
  title: string;
  about?: ReactNode; // a sentence for those who are here for the first time
  actions?: ReactNode;
  children?: ReactNode; // beside the title
}

/** PageHeader names the page: its heading, the title of the window, and what may be done here. */
export function PageHeader({ title, about, actions, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Backstop`;
  }, [title]);
  return (
    <header className="page-header">
      <div>
        <h1>
          {title} {children}
        </h1>
        {about && <p>{about}</p>}
      </div>
      {actions && <div className="page-actions">{actions}</div>}
    </header>
  );
}
