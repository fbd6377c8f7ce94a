import { type ReactNode, useEffect } from "react";

interface Props {
  title: string;
  about?: ReactNode; // a sentence for new users
  actions?: ReactNode;
  children?: ReactNode; // beside the title
}

/** PageHeader is the page's heading and actions. It also sets the title of the window. */
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
