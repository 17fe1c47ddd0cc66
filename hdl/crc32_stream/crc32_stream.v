// SPDX-License-Identifier: MIT
// Copyright (c) The Rackwright authors
/*
 * CRC-32 of passing frames (IEEE 802.3), one beat a clock.
 *
 * The frame passes unchanged; every beat carries the CRC of the frame up to its end, the last one
 * that of the whole. `good` says that the bytes so far end with their own CRC, lowest byte first, as
 * a received frame does when it is whole.
 *
 * Left out: adding or removing the four bytes of the check, beats in the middle of a frame that are
 * not full.
 */

`resetall
`timescale 1ns / 1ps
`default_nettype none

module crc32_stream #
(
    parameter DATA_WIDTH = 64
)
(
    input  wire                  clk,
    input  wire                  rst,

    // {bytes kept[6:0], bytes, the first one lowest}; only the last beat of a frame may be short
    input  wire [DATA_WIDTH+6:0] s_axis_tdata,
    input  wire                  s_axis_tvalid,
    output wire                  s_axis_tready,
    input  wire                  s_axis_tlast,

    // {good, crc[31:0], bytes kept[6:0], bytes}
    output wire [DATA_WIDTH+39:0] m_axis_tdata,
    output wire                  m_axis_tvalid,
    input  wire                  m_axis_tready,
    output wire                  m_axis_tlast
);

localparam BYTES = DATA_WIDTH/8;
localparam [31:0] RESIDUE = 32'hdebb20e3;    // of the register, after a frame and its CRC

initial begin
    if (DATA_WIDTH < 8 || DATA_WIDTH > 512 || DATA_WIDTH % 8 != 0) begin
        $error("DATA_WIDTH must be a multiple of 8, 8 to 512 (instance %m)");
        $finish;
    end
end

// the register after one more byte, bits in the order of the wire
function [31:0] add_byte;
    input [31:0] crc;
    input [7:0] value;
    integer i;
    begin
        add_byte = crc ^ {24'd0, value};
        for (i = 0; i < 8; i = i + 1) begin
            add_byte = {1'b0, add_byte[31:1]} ^ (add_byte[0] ? 32'hedb88320 : 32'd0);
        end
    end
endfunction

reg [31:0] crc_reg = 32'hffffffff;

wire [6:0] kept = s_axis_tdata[DATA_WIDTH +: 7];

// the register after the bytes that are kept
reg [31:0] crc;
integer place;
always @* begin
    crc = crc_reg;
    for (place = 0; place < BYTES; place = place + 1) begin
        if (place < kept) crc = add_byte(crc, s_axis_tdata[8*place +: 8]);
    end
end

wire ready;
assign s_axis_tready = ready;

always @(posedge clk) begin
    if (s_axis_tvalid && ready) begin
        crc_reg <= s_axis_tlast ? 32'hffffffff : crc;
    end

    if (rst) begin
        crc_reg <= 32'hffffffff;
    end
end

axis_skid #
(
    .DATA_WIDTH(DATA_WIDTH + 40)
)
out
(
    .clk(clk),
    .rst(rst),
    .s_axis_tdata({crc == RESIDUE, ~crc, s_axis_tdata}),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(ready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_axis_tlast(m_axis_tlast)
);

endmodule

`resetall
