import type { TFunction } from "i18next";
import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import { ExportOutlined, FileTextOutlined } from "../ui/icons";
import { addressOf, type Content, contentOf, type Piece, piecesOf, valuesOf } from "./content";
import type { Template, Values } from "./parameters";

interface Props {
  template: Template;
  values?: Values | undefined;
}

/** TemplatePreview shows a template as the phone does. It loads no media and has no links: they belong to other hosts. */
export function TemplatePreview({ template, values = {} }: Props) {
  const { t } = useTranslation();
  const { header, body, footer, buttons } = contentOf(template);
  return (
    <figure className="phone">
      <figcaption>{t("templates.preview")}</figcaption>
      <div className="phone-message" dir="auto" lang={template.language.replace("_", "-")}>
        {header && <Header header={header} values={values} />}
        {body && (
          <div className="phone-text">
            <Pieces pieces={piecesOf(body, valuesOf("body", values))} />
          </div>
        )}
        {footer && <div className="phone-footer">{footer}</div>}
      </div>
      {buttons.length > 0 && (
        <ul className="phone-buttons" dir="auto" lang={template.language.replace("_", "-")}>
          {buttons.map(({ text, url }, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: a button is its place
            <li key={i}>
              <span>
                {url && <ExportOutlined />} {text}
              </span>
              {url && <small dir="ltr">{addressOf(url, values[`button.${i}`])}</small>}
            </li>
          ))}
        </ul>
      )}
    </figure>
  );
}

function Header({ header: { format, text }, values }: { header: NonNullable<Content["header"]>; values: Values }) {
  const { t, i18n } = useTranslation();
  if (format === "text") {
    return (
      <div className="phone-header">
        <Pieces pieces={piecesOf(text, valuesOf("header", values))} />
      </div>
    );
  }
  const detail = [values["header.filename"], values["header.place"], values["header.address"], values["header.link"]];
  return (
    <div className="phone-media" lang={i18n.language}>
      <FileTextOutlined />
      {mediaText(format, t)}
      <small>{detail.find(Boolean)}</small>
    </div>
  );
}

const medias = ["image", "video", "document", "location"] as const;

export function mediaText(format: string, t: TFunction): string {
  return t(`templates.media.${medias.find((one) => one === format) ?? "other"}`);
}

const tags = { bold: "strong", italic: "em", strike: "s", mono: "code" } as const;

function Pieces({ pieces }: { pieces: Piece[] }) {
  return pieces.map((piece, i) => {
    const key = `${i} ${piece.kind}`;
    if (piece.kind === "text") {
      return <Fragment key={key}>{piece.text}</Fragment>;
    }
    if (piece.kind === "value") {
      return (
        <span key={key} className={piece.isMissing ? "phone-missing" : "phone-value"}>
          {piece.text}
        </span>
      );
    }
    const Tag = tags[piece.kind];
    return (
      <Tag key={key}>
        <Pieces pieces={piece.pieces} />
      </Tag>
    );
  });
}
