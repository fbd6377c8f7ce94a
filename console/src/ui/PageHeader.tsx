import { type ReactNode, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

interface Props {
  title: string;
  about?: ReactNode; // a sentence for new users
  actions?: ReactNode;
  children?: ReactNode; // beside the title
  path?: { title: string; to: string }[]; // the pages above this one, the highest first
}

/** PageHeader has the page's heading, its actions and the links to the pages above. It also sets the title of the window. */
export function PageHeader({ title, about, actions, children, path }: Props) {
  const { t } = useTranslation();
  useEffect(() => {
    document.title = `${title} · Backstop`;
  }, [title]);
  return (
    <header className="page-header">
      <div>
        {path && (
          <nav aria-label={t("shell.path")}>
            <ol className="path">
              {path.map(({ title: above, to }) => (
                <li key={to}>
                  <Link to={to}>{above}</Link>
                </li>
              ))}
              <li aria-current="page">{title}</li>
            </ol>
          </nav>
        )}
        <h1>
          {title} {children}
        </h1>
        {about && <p>{about}</p>}
      </div>
      {actions && <div className="page-actions">{actions}</div>}
    </header>
  );
}
