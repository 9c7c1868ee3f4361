// What stands over the page: a named dialog that takes the focus and gives it back.
import { CloseButton, Modal } from "@mantine/core";
import type { ReactNode } from "react";
import { t } from "../i18n";
import { w } from "./words";

export function Sheet({ title, isBare, size = "md", close, children }: { title: string; isBare?: boolean; size?: string; close: () => void; children: ReactNode }) {
    return (
        <Modal.Root opened onClose={close} size={size}>
            <Modal.Overlay />
            <Modal.Content>
                {isBare ? (
                    <>
                        <Modal.Title className="hidden">{title}</Modal.Title>
                        {children}
                    </>
                ) : (
                    <>
                        <div className="sheet-head">
                            <Modal.Title>{title}</Modal.Title>
                            <CloseButton size="sm" aria-label={t(w.close)} onClick={close} />
                        </div>
                        <div className="sheet-body">{children}</div>
                    </>
                )}
            </Modal.Content>
        </Modal.Root>
    );
}
