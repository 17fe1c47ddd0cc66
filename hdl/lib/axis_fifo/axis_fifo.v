// SPDX-License-Identifier: MIT
// Copyright (c) The Rackwright authors
/*
 * AXI-Stream FIFO: DEPTH words in a memory and one in the output register.
 *
 * One word a clock in and out at once; an idle FIFO hands a word on two clocks after it was taken.
 * s_axis_tready depends on registers only. level counts the words inside, that of the output
 * register among them.
 *
 * Left out: tkeep, tid, tdest and tuser (put them into tdata); dropping of frames; two clocks.
 */

`resetall
`timescale 1ns / 1ps
`default_nettype none

module axis_fifo #
(
    parameter DATA_WIDTH = 64,
    parameter DEPTH = 16,
    parameter LEVEL_WIDTH = $clog2(DEPTH) + 1
)
(
    input  wire                   clk,
    input  wire                   rst,

    // AXI-Stream in
    input  wire [DATA_WIDTH-1:0]  s_axis_tdata,
    input  wire                   s_axis_tvalid,
    output wire                   s_axis_tready,
    input  wire                   s_axis_tlast,

    // AXI-Stream out
    output wire [DATA_WIDTH-1:0]  m_axis_tdata,
    output wire                   m_axis_tvalid,
    input  wire                   m_axis_tready,
    output wire                   m_axis_tlast,

    output wire [LEVEL_WIDTH-1:0] level
);

localparam ADDRESS = $clog2(DEPTH);

initial begin
    if (DATA_WIDTH < 1) begin
        $error("DATA_WIDTH must be at least 1 (instance %m)");
        $finish;
    end
    if (DEPTH < 2 || (DEPTH & (DEPTH - 1)) != 0) begin
        $error("DEPTH must be a power of two, at least 2 (instance %m)");
        $finish;
    end
    if (LEVEL_WIDTH != ADDRESS + 1) begin
        $error("LEVEL_WIDTH follows from DEPTH: do not set it (instance %m)");
        $finish;
    end
end

reg [DATA_WIDTH:0] words_ram [0:DEPTH-1];
reg [ADDRESS:0] write_reg = {ADDRESS+1{1'b0}};   // a bit more than an address: full is not empty
reg [ADDRESS:0] read_reg = {ADDRESS+1{1'b0}};
reg out_valid_reg = 1'b0;
reg [DATA_WIDTH:0] out_word_reg = {DATA_WIDTH+1{1'b0}};

wire [ADDRESS:0] stored = write_reg - read_reg;
wire full = stored[ADDRESS];
wire empty = stored == {ADDRESS+1{1'b0}};
wire load = !empty && (!out_valid_reg || m_axis_tready);

assign s_axis_tready = !full;
assign m_axis_tvalid = out_valid_reg;
assign m_axis_tdata = out_word_reg[DATA_WIDTH-1:0];
assign m_axis_tlast = out_word_reg[DATA_WIDTH];
assign level = stored + {{ADDRESS{1'b0}}, out_valid_reg};

always @(posedge clk) begin
    if (s_axis_tvalid && !full) begin
        words_ram[write_reg[ADDRESS-1:0]] <= {s_axis_tlast, s_axis_tdata};
        write_reg <= write_reg + 1'b1;
    end
    if (load) begin
        out_word_reg <= words_ram[read_reg[ADDRESS-1:0]];
        read_reg <= read_reg + 1'b1;
    end
    out_valid_reg <= load || (out_valid_reg && !m_axis_tready);

    if (rst) begin
        write_reg <= {ADDRESS+1{1'b0}};
        read_reg <= {ADDRESS+1{1'b0}};
        out_valid_reg <= 1'b0;
    end
end

endmodule

`resetall
